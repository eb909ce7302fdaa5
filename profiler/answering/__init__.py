"""Questions about a store, answered by a chat model that may only look things up."""
