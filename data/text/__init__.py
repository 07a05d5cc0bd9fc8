"""Chinese text: normalisation, markup and segmentation."""
