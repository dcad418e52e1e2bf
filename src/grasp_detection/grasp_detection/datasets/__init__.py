"""Labelled pictures behind one interface."""
