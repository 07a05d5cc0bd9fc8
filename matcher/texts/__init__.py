"""Texts as vectors and sparse rows: the text space, similarities and their kernels."""
