"""The quality view: what is measured, how it is judged, and the verdict."""
