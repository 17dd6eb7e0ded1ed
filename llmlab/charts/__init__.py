"""Plotly figures: arrays in, a figure out. Colours and template in `theme`."""
