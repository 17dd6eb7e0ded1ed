"""Automatic differentiation and optimisation, written out to be read; numpy only.

from llmlab.autodiff import Tensor
w = Tensor([[1.0, -2.0]])
loss = ((w @ w.T).tanh() - 1).sum() ** 2
loss.backward()
w.grad                               # ∂loss/∂w, of the shape of w
"""

from llmlab.autodiff.tensor import Tensor

__all__ = ["Tensor"]
