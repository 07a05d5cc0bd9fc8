"""What training fits: out-of-fold history, the scorer and the answer threshold."""
