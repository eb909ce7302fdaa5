"""Questions and answers in files: batches, and interests made elsewhere."""
