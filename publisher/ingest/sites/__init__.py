"""Sites: which files of a folder are articles, as the site's generator would say."""
