"""What a module computes and what it teaches its inputs and weights."""

import torch


def learnt(module, *inputs):
    """The output, and the gradients of the first input and of every parameter, by name."""
    module.zero_grad()
    first = inputs[0].detach().clone().requires_grad_()
    output = module(first, *inputs[1:])
    torch.manual_seed(5)
    (output * torch.randn(output.shape, dtype=output.dtype)).sum().backward()
    gradients = {name: p.grad.clone() for name, p in module.named_parameters()}
    return {"output": output.detach(), "input": first.grad} | gradients
