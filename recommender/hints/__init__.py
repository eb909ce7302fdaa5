"""Which hint a language model is given for a list: learned from the stored trials (Re2LLM)."""
