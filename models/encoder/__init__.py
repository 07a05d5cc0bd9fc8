"""Text encoders: static, transformer, teacher; adaptation and the vector cache."""
