"""Backbones that read a history in its order and give a user one vector."""
