"""The renderers of the feed formats that `feeds.formats` lists: one module each."""
