"""Single values in one form for all readers: ids, times, texts, categories."""
