"""What may be added to the recommendation loss."""
