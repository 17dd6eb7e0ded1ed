"""From raw text to token ids: reading, cleaning, tokenizers, batches, and the Tales. Loads no torch."""
