"""Governed tool-calling agents in code."""
