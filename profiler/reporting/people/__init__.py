"""People on the page: who is shown, what is told of them, where their interests came from."""
