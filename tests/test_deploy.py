"""Container, proxies, service manager, cluster, continuous integration: what cannot be run here is checked by the tools
that know its rules, and what it runs is run.
"""

import importlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

import swaram
from swaram.client import stream
from swaram.server.settings import read_settings
from tests.server.speech_client import running
from tests.voice.toy_voice import write_toy_voice

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = Path(sys.executable).parent
DOCKERFILES = ["Dockerfile", "deploy/cuda.Dockerfile", "deploy/ray.Dockerfile"]
TEXT = "അമ്മ വന്നു."


def tool(name: str) -> str:
    """A program of the environment that runs the tests, or of the system."""
    found = shutil.which(name, path=os.pathsep.join([str(PROGRAMS), os.environ.get("PATH", "")]))
    assert found, f"{name} is of the extra dev"
    return found


def passes(*command: str, **options) -> str:
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=ROOT, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """(instruction, the rest of it) with continued lines joined, comments left out."""
    lines = [line for line in (ROOT / dockerfile).read_text(encoding="utf-8").split("\n") if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in joined.split("\n") if line.strip()]


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_a_dockerfile_keeps_hadolints_rules(dockerfile):
    assert passes(tool("hadolint"), "--failure-threshold", "info", dockerfile) == ""


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_a_container_does_not_run_as_root_and_copies_only_what_is_there(dockerfile):
    steps = instructions(dockerfile)
    users = [rest for instruction, rest in steps if instruction == "USER"]
    assert users and users[-1].split(":")[0] == "10001"
    after = [instruction for instruction, _ in steps[[i for i, _ in steps].index("USER") :]]
    assert not {"RUN", "COPY", "ADD"} & set(after)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    for instruction, rest in steps:
        if instruction == "COPY" and "--from" not in rest:
            for source in rest.split()[:-1]:
                assert source == "." or ((ROOT / source).exists() and f"!{source}" in ignored)
    assert [name for name in ignored if name[0] == "!" and not list(ROOT.glob(name[1:]))] == []


def test_what_the_container_runs_serves_is_healthy_and_writes_nothing(toy_folder, tmp_path):
    steps = dict(instructions("Dockerfile"))
    command = json.loads(steps["CMD"])
    assert command[0] == "swaram"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["127.0.0.1" if part == "0.0.0.0" else str(port) if part == "5000" else part for part in command[1:]]
    folders = {name: tmp_path / name for name in ("home", "tmp", "work")}
    for folder in folders.values():
        folder.mkdir()
    environment = {**os.environ, "HOME": str(folders["home"]), "TMPDIR": str(folders["tmp"])}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "SWARAM_VOICES": str(toy_folder)}
    server = subprocess.Popen(
        [sys.executable, "-m", "swaram", *command], cwd=folders["work"], env=environment, stdout=subprocess.DEVNULL
    )
    try:
        check = json.loads(re.search(r"\[.*\]", steps["HEALTHCHECK"])[0])
        check = [sys.executable, *(part.replace(":5000", f":{port}") for part in check[1:])]
        deadline = time.monotonic() + 60
        while subprocess.run(check, capture_output=True).returncode:
            assert time.monotonic() < deadline and server.poll() is None
            time.sleep(0.2)
        assert len([m for m in stream(f"http://127.0.0.1:{port}", TEXT, voice="toy") if isinstance(m, bytes)]) > 2
        # Of the folders of a read-only root it writes to none.
        assert [path for folder in folders.values() for path in folder.rglob("*")] == []
    finally:
        server.terminate()
        server.wait(60)
    assert subprocess.run(check, capture_output=True).returncode


def test_what_the_containers_install_is_what_the_project_offers():
    for dockerfile in DOCKERFILES:
        for instruction, rest in instructions(dockerfile):
            if instruction != "RUN":
                continue
            for part in re.split(r"&&|;|\|\|", rest):
                words = shlex.split(part.strip())
                for option in ("--constraint",):
                    if option in words:
                        assert (ROOT / Path(words[words.index(option) + 1]).name).is_file()
            for extras in re.findall(r"\.\[([a-z,]+)\]", rest):
                offered = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
                assert all(f"\n{extra} = [" in offered for extra in extras.split(","))
            for package, wanted in re.findall(r"(build|hatchling)==([\d.]+)", rest):
                assert f"{package}=={wanted}\n" in (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")


SCHEMAS = {
    "compose.yaml": "compose-spec",
    ".github/dependabot.yml": "dependabot",
    ".github/workflows/test.yml": "github-workflows",
    ".github/workflows/release.yml": "github-workflows",
    ".github/ISSUE_TEMPLATE/fault.yml": "github-issue-forms",
    ".github/ISSUE_TEMPLATE/reading.yml": "github-issue-forms",
    ".github/ISSUE_TEMPLATE/config.yml": "github-issue-config",
}


@pytest.mark.parametrize("file", SCHEMAS)
def test_a_yaml_file_is_what_its_schema_asks(file):
    passes(tool("check-jsonschema"), "--builtin-schema", f"vendor.{SCHEMAS[file]}", file)


def test_every_workflow_and_template_has_a_schema_here():
    found = {path.relative_to(ROOT).as_posix() for path in (ROOT / ".github").rglob("*.yml")}
    assert found | {"compose.yaml"} == set(SCHEMAS)


def test_kubernetes_takes_the_example():
    told = subprocess.run(
        [tool("kubernetes-validate"), "deploy/kubernetes.yaml"], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    assert told.returncode == 0, told.stdout + told.stderr
    parts = {part["kind"]: part for part in yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text())}
    pod = parts["Deployment"]["spec"]["template"]
    labels = parts["Deployment"]["spec"]["selector"]["matchLabels"]
    assert labels == pod["metadata"]["labels"] == parts["Service"]["spec"]["selector"]
    (container,) = pod["spec"]["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] and pod["spec"]["securityContext"]["runAsNonRoot"]
    assert {probe["httpGet"]["path"] for key, probe in container.items() if key.endswith("Probe")} == {
        "/healthz",
        "/readyz",
    }


def test_kuberay_takes_the_example(tmp_path):
    passes(tool("check-jsonschema"), "--schemafile", "tests/kuberay.schema.json", "deploy/kuberay.yaml")
    service = yaml.safe_load((ROOT / "deploy/kuberay.yaml").read_text(encoding="utf-8"))
    cluster = service["spec"]["rayClusterConfig"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    for number, group in enumerate(groups):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "node"}, **group["template"]}
        file = tmp_path / f"pod-{number}.yaml"
        file.write_text(yaml.safe_dump(pod), encoding="utf-8")
        passes(tool("kubernetes-validate"), str(file))
    pinned = (ROOT / "requirements-cluster.txt").read_text(encoding="utf-8")
    assert f"ray=={cluster['rayVersion']}\n" in pinned
    (application,) = yaml.safe_load(service["spec"]["serveConfigV2"])["applications"]
    module, _, name = application["import_path"].partition(":")
    assert callable(getattr(importlib.import_module(module), name))
    arguments = application["args"]
    replicas = {key: arguments.pop(key) for key in ("min_replicas", "max_replicas")}
    settings = read_settings(None, arguments)  # refuses a name that is no setting
    (speakers,) = cluster["workerGroupSpecs"]
    assert replicas == {"min_replicas": speakers["minReplicas"], "max_replicas": speakers["maxReplicas"]}
    (worker,) = speakers["template"]["spec"]["containers"]
    assert int(worker["resources"]["limits"]["cpu"]) == settings.workers
    assert speakers["template"]["spec"]["terminationGracePeriodSeconds"] > settings.drain_timeout + 10


def test_every_place_names_the_same_version():
    for file in ("compose.yaml", "deploy/kubernetes.yaml"):
        assert re.findall(r"image: swaram:(\S+)", (ROOT / file).read_text()) == [swaram.__version__]
    assert set(re.findall(r"image: swaram-ray:(\S+)", (ROOT / "deploy/kuberay.yaml").read_text())) == {
        swaram.__version__
    }
    assert f"## {swaram.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_a_workflow_runs_only_what_the_makefile_and_the_tests_have():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for file in (".github/workflows/test.yml", ".github/workflows/release.yml"):
        jobs = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))["jobs"]
        commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
        for command in commands:
            for words in re.findall(r"\bmake ((?:[a-z-]+ ?)+)", command):
                assert set(words.split()) <= targets, command
            for listed in re.findall(r"@(tests/\S+)", command):
                lines = (ROOT / listed).read_text(encoding="utf-8").split()
                assert [line for line in lines if not (ROOT / line.removeprefix("--ignore=")).exists()] == []


def test_the_service_manager_takes_the_unit(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not there")
    unit = (ROOT / "deploy" / "swaram.service").read_text(encoding="utf-8")
    program = re.search(r"^ExecStart=(\S+)", unit, re.M)[1]
    (tmp_path / "swaram.service").write_text(unit.replace(program, shutil.which("true")), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / "swaram.service")], capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0 and "swaram.service" not in done.stderr, done.stderr


@pytest.fixture(scope="module")
def behind(tmp_path_factory) -> Iterator[str]:
    """A server with the prefix of the samples; its address."""
    folder = tmp_path_factory.mktemp("voices")
    write_toy_voice(folder / "toy")
    with running(folder, root_path="/tts") as server:
        yield server.address


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def proxy(command: list[str], port: int, **options) -> Iterator[str]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def speaks_through(address: str) -> None:
    """Over a WebSocket and HTTP under the prefix; the figures stay inside."""
    messages = list(stream(f"{address}/tts", TEXT, voice="toy"))
    assert messages[-1]["type"] == "done" and len(messages) > 3
    with urllib.request.urlopen(f"{address}/tts/v1/voices") as answer:
        assert json.load(answer)["voices"][0]["name"] == "toy"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address}/tts/metrics")
    assert refused.value.code == 403


def test_nginx_with_the_sample_passes_speech_on(behind, tmp_path):
    if not shutil.which("nginx"):
        pytest.skip("nginx is not there")
    port = free_port()
    sample = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    sample = sample.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("http://127.0.0.1:5000", behind)
    (tmp_path / "site.conf").write_text(sample, encoding="utf-8")
    temporary = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;\nevents {{}}\n"
        f"http {{ access_log off;\n{temporary} include {tmp_path}/site.conf; }}\n",
        encoding="utf-8",
    )
    with proxy(["nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")], port) as address:
        speaks_through(address)


def test_caddy_with_the_sample_passes_speech_on(behind, tmp_path):
    if not shutil.which("caddy"):
        pytest.skip("caddy is not there")
    port = free_port()
    sample = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    sample = sample.replace("example.org {", f"http://127.0.0.1:{port} {{").replace("127.0.0.1:5000", behind[7:])
    (tmp_path / "Caddyfile").write_text("{\n\tadmin off\n}\n" + sample, encoding="utf-8")
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    command = ["caddy", "run", "--config", str(tmp_path / "Caddyfile"), "--adapter", "caddyfile"]
    with proxy(command, port, env=environment) as address:
        speaks_through(address)
