"""Backbones that read items as codes or as nodes of a tree."""
