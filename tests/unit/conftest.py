"""Checks the shapes in the signatures of `llmlab.nn` and `llmlab.models` that take tensors, while the unit tests run.

Where another tier of the same process has imported them already the hook comes too late and does nothing;
`models/test_shapes.py` checks them in a process of its own.
"""

from jaxtyping import install_import_hook

install_import_hook(
    ["llmlab.nn", "llmlab.models.gpt", "llmlab.models.bert", "llmlab.models.scoring", "llmlab.models.trace"],
    "beartype.beartype",
)
