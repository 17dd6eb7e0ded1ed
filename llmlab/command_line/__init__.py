"""The command line: one command a file, put together in `program`.

A command's file has `add_arguments(parser, language)` and `run(arguments, console)`, which returns the object that
`--json` prints. Files import what is heavy inside `run`, so that `--help` and `list` answer at once.
"""
