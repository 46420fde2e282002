"""Gradients summed over processes while the backward pass goes on, as DistributedDataParallel does (Li et al. 2020).

The module itself could not be wrapped: of every few steps all but one leave the discriminators out, text steps touch a
third of the generator, and both networks' gradients come from one graph with two backward passes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

BUCKET_ELEMENTS = 1 << 20  # of one message


@dataclass
class _Bucket:
    parameters: list[nn.Parameter] = field(default_factory=list)
    ready: set[int] = field(default_factory=set)
    sent: tuple[list[Tensor], Tensor, torch.distributed.Work] | None = None


class GradientSums:
    """Sums the gradients of one module over all processes.

    Parameters stand in buckets, in the reverse of their order, which is about the order in which their gradients come.
    A bucket is sent as soon as all of its gradients are there and the one before it is sent, so every process sends the
    same buckets in the same order; ``finish`` sends the rest and waits. ``early`` counts those sent before ``finish``.
    """

    def __init__(self, module: nn.Module) -> None:
        self._buckets = [_Bucket()]
        self._next, self.early = 0, 0
        size = 0
        for parameter in reversed([p for p in module.parameters() if p.requires_grad]):
            if size and size + parameter.numel() > BUCKET_ELEMENTS:
                self._buckets.append(_Bucket())
                size = 0
            size += parameter.numel()
            self._buckets[-1].parameters.append(parameter)
            parameter.register_post_accumulate_grad_hook(self._noter(self._buckets[-1]))

    def _noter(self, bucket: _Bucket) -> Callable[[Tensor], None]:
        def note(parameter: Tensor) -> None:
            bucket.ready.add(id(parameter))
            while self._next < len(self._buckets) and self._is_full(self._buckets[self._next]):
                self._send(self._buckets[self._next])
                self._next += 1
                self.early += 1

        return note

    @staticmethod
    def _is_full(bucket: _Bucket) -> bool:
        return len(bucket.ready) == len(bucket.parameters)

    @staticmethod
    def _send(bucket: _Bucket) -> None:
        gradients = [p.grad for p in bucket.parameters if p.grad is not None]
        if not gradients:
            return
        message = torch.cat([gradient.flatten() for gradient in gradients])
        work = torch.distributed.all_reduce(message, async_op=True)
        assert work is not None
        bucket.sent = gradients, message, work

    def finish(self) -> None:
        """Replace each gradient of the last backward pass by its sum over all processes."""
        for bucket in self._buckets[self._next :]:
            self._send(bucket)
        for bucket in self._buckets:
            if bucket.sent is not None:
                gradients, message, work = bucket.sent
                work.wait()
                parts = message.split([gradient.numel() for gradient in gradients])
                torch._foreach_copy_(gradients, [p.view_as(own) for p, own in zip(parts, gradients, strict=True)])
            bucket.sent = None
            bucket.ready.clear()
        self._next = 0
