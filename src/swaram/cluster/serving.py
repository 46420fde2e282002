"""Serving on a cluster: replicas of the same application behind Ray Serve's proxies, as many as listeners need.

Each replica is a whole server with every voice and its own admission. A replica that is to end, in a rolling update or
when there are fewer listeners, tells its sessions ``goaway``, as a server does that is stopped.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from types import ModuleType
from typing import Any

from swaram.cluster.autoscaling import PRESSURE, pressure, replicas_wanted
from swaram.cluster.connection import check_nodes
from swaram.cluster.errors import ClusterError
from swaram.server.app import create_app
from swaram.server.run import around
from swaram.server.service import Service
from swaram.server.settings import ServerSettings, read_settings

APPLICATION = DEPLOYMENT = "swaram"
LOOK_SECONDS = 1.0  # how often a replica asks whether it is to end
_GRACE_SECONDS = 10.0  # beyond drain_timeout, until what is left is cut off


class Replica:
    """One replica. ``settings``: as ``told_settings`` makes them."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = ServerSettings(**settings)
        self.service: Service | None = None
        self._refused = 0.0

    def __serve_build_asgi_app__(self) -> Any:
        app = create_app(self._settings)
        self.service = app.state.service
        return _Watched(around(app, self._settings), self.service)

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """What ``autoscaling.replicas_wanted`` is told of this replica."""
        service = self.service
        if service is None:
            return {PRESSURE: 0.0}
        admission = service.admission
        refused, self._refused = admission.refused - self._refused, float(admission.refused)
        return {
            PRESSURE: pressure(
                service.streams,
                admission.capacity(),
                admission.first_sound(service.scheduler.waiting),
                self._settings.first_sound_limit,
                int(refused),
            )
        }


class _Watched:
    """The application, and beside it what runs as long as it does: new voices are noticed, and the replica's end."""

    def __init__(self, app: Callable[..., Any], service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        beside = [asyncio.create_task(work) for work in (self._service.watch_voices(), self._until_the_end())]
        try:
            await self._app(scope, receive, send)
        finally:
            for task in beside:
                task.cancel()

    async def _until_the_end(self) -> None:
        """Wait until this replica is being stopped, then let its streams end and its sessions go elsewhere.

        Ray Serve waits for open connections and tells nobody, so the replica looks for its own name in what the
        controller says of all replicas (the answer of its REST API).
        """
        import ray
        from ray import serve

        name = serve.get_replica_context().replica_id.unique_id
        controller = ray.get_actor("SERVE_CONTROLLER_ACTOR", namespace="serve")
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with contextlib.suppress(ray.exceptions.RayError):
                if is_stopping(await controller.get_serve_instance_details.remote(), name):
                    break
        await self._service.drain()
        for session in list(self._service.sessions):
            await session.go_away(0.0)


def is_stopping(details: dict[str, Any], replica: str) -> bool:
    """Whether the controller's description of all applications says that this replica is being stopped.

    One that is not listed is not: a controller that was started again knows its replicas a moment later.
    """
    deployment = details.get("applications", {}).get(APPLICATION, {}).get("deployments", {}).get(DEPLOYMENT, {})
    states = {one["replica_id"]: one["state"] for one in deployment.get("replicas", [])}
    state = states.get(replica)
    return str(getattr(state, "value", state)) == "STOPPING"


def told_settings(settings: ServerSettings) -> dict[str, Any]:
    """Settings as plain data; the secret of tokens is one for all replicas."""
    told = settings.model_dump(mode="json", exclude={"token_secret"})
    secret = settings.token_secret
    return told | {"token_secret": secret.get_secret_value() if secret else secrets.token_hex(32)}


def application(settings: ServerSettings, low: int = 1, high: int = 1) -> Any:
    """What ``serve.run`` takes: between ``low`` and ``high`` replicas of ``settings.workers`` CPUs each."""
    from ray import serve
    from ray.serve.config import AutoscalingConfig, AutoscalingPolicy

    deployed = serve.deployment(serve.ingress()(Replica))
    return deployed.options(
        name=DEPLOYMENT,
        max_ongoing_requests=2 * settings.max_connections,
        ray_actor_options={"num_cpus": settings.workers},
        graceful_shutdown_wait_loop_s=1.0,
        graceful_shutdown_timeout_s=settings.drain_timeout + _GRACE_SECONDS,
        autoscaling_config=AutoscalingConfig(
            min_replicas=low,
            initial_replicas=low,
            max_replicas=high,
            metrics_interval_s=1.0,
            look_back_period_s=5.0,
            upscale_delay_s=2.0,
            downscale_delay_s=120.0,
            policy=AutoscalingPolicy(policy_function=replicas_wanted),
        ),
    ).bind(told_settings(settings))


def build(arguments: dict[str, Any]) -> Any:
    """For Ray's own configuration files (``deploy/kuberay.yaml``): ``import_path: swaram.cluster.serving:build``.

    ``arguments``: settings of the server by name, and ``min_replicas`` and ``max_replicas``.
    """
    given = dict(arguments)
    low, high = int(given.pop("min_replicas", 1)), int(given.pop("max_replicas", 1))
    return application(read_settings(None, given), low, high)


def serve_on_cluster(ray: ModuleType, settings: ServerSettings, low: int = 1, high: int | None = None) -> str:
    """Deploy, or bring what is deployed up to date; returns the address. Raises ClusterError before anything is begun.

    ``high``: most replicas; None: as many as the CPUs of the cluster allow.
    """
    from ray import serve
    from ray.serve.config import HTTPOptions

    check_nodes(ray, settings.voices, with_voices=True)
    cpus = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    fits = sum(count // settings.workers for count in cpus)
    if fits < low:
        raise ClusterError(
            f"{low} replicas of {settings.workers} CPUs do not fit into the cluster (CPUs by node: {cpus}); "
            "give fewer --workers."
        )
    tls = {}
    if settings.tls_certificate is not None:
        tls = {"ssl_certfile": str(settings.tls_certificate), "ssl_keyfile": str(settings.tls_key)}
    serve.start(
        proxy_location="EveryNode",
        http_options=HTTPOptions(host=settings.host, port=settings.port, keep_alive_timeout_s=15, **tls),
    )
    try:
        serve.run(application(settings, low, max(low, high or fits)), name=APPLICATION, route_prefix="/")
    except RuntimeError as error:
        raise ClusterError(f"the replicas did not start ({(str(error).strip().splitlines() or ['?'])[0]}).") from error
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    return f"{'https' if tls else 'http'}://{host}:{settings.port}"


def stop(ray: ModuleType) -> None:
    """Take the application away; its sessions are told to go."""
    from ray import serve

    serve.delete(APPLICATION)
