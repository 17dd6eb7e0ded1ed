"""How fast llmlab is beside what a learner would otherwise pick: `python -m benchmarks NAME`.

Each benchmark runs both contenders in one invocation on one machine, in turn, several times, and reports medians.
"""
