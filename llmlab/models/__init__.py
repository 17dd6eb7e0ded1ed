"""Language models, one family a file, made from the parts in `llmlab.nn`; and what every one of them can be asked:
its size before it is built (`size`), what a forward pass left behind (`trace`), how well it predicts (`scoring`).
"""
