"""Backbones without training steps: they count or solve for what goes with what."""
