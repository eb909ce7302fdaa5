"""What every room of the recommender may use: configuration checks, tensors, processes."""
