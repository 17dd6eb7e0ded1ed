"""The parts that models are made of: norms, positions, attention, feed-forward, the block, the key–value cache.

A part knows sizes, not model families; `llmlab.models` puts them together. Each `forward` takes `record`, the hook
through which a trace sees every intermediate tensor; left at None it costs nothing.
"""
