"""`rnner serve`: a model behind HTTP, as an API and as a page. Needs the extra `serve`."""
