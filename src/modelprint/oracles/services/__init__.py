"""Serving stacks and clouds by name: one file each, over generic HTTP."""
