"""Items that no training saw: vectors from their texts, and how good those are."""
