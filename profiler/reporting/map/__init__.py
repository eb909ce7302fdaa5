"""The map: merged interests, their places, themes, names and colours."""
