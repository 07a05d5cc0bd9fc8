"""数据导入: files uploaded, looked at, corrected, imported; the reports of imports, and how one is taken back."""
