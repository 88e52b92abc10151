"""Write feeds: articles -> feeds.Channel -> files. Files change only when their content does.

`change_log` records which articles changed; `publish_feeds` of `feed_writer` writes the feeds that this concerns.
Nothing is imported here, because the status command needs the tables only, not the templates.
"""
