"""Pages: what a study shows, as self-contained HTML, Markdown, tables and figures."""
