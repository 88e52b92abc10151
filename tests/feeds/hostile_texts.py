"""Hostile texts and hostile HTML."""

# For every field of plain text.
TEXTS = {
    "control-characters": "a\x00\x01\x08\x0b\x0c\x0e\x1fb\x7f",
    "c1-controls": "a\x80\x85\x9fb",
    "lone-surrogates": "a\ud800b\udfffc",
    "noncharacters": "a\ufffe\uffffb\ufdd0\U0001ffff",
    "replacement-character": "caf\ufffd",
    "byte-order-mark": "\ufeffa\ufeff",
    "end-of-cdata": "a]]>b<![CDATA[c]]>d",
    "script": "<script>alert('x')</script>",
    "end-tags": "</title></entry></item></channel></rss></feed>",
    "markup": "<b>bold</b> & <i>slanted",
    "comment": "<!-- a -- b --> <!DOCTYPE x [<!ENTITY y SYSTEM 'file:///dev/null'>]>",
    "instruction": "<?xml version='1.0'?><?php echo 1 ?>",
    "entities": "&nbsp;&amp;&lt;b&gt;&#0;&#x1F;&bogus;&copy 2026 AT&T R&D ?a=1&lang=en&copy=2",
    "escaped-twice": "&amp;lt;b&amp;gt;&amp;amp;nbsp;",
    "quotes": "\"'`\\ \\u0000 \\x00 %s %(a)s {} {0} ${x} {{ x }} {% x %}",
    "line-ends": "a\r\nb\rc\nd\te",
    "line-separators": "a\u2028b\u2029c\u0085d",
    "bidi-overrides": "\u202eevil\u2066left\u202b open",
    "bidi-closers": "\u202c\u2069\u202cclosed",
    "right-to-left": "שלום عربي 123 (abc) \u200f",
    "emoji": "👩‍💻👨‍👩‍👧‍👦🇭🇰👍🏽1️⃣",
    "combining": "Z" + "\u0300\u0301\u0335" * 60 + "e\u0301 >\u0338 <\u0338 =\u0338",
    "not-nfc": "e\u0301 \uac00\u11a8 \u212b \u2126",
    "nothing-to-see": "\u200b\u200d\u2060\u00ad",
    "blank": " \t\n\u3000\u00a0",
    "empty": "",
    "huge": "字" * 3_000,
    "one-long-word": "w" * 3_000,
    "astral": "𠀀𐍈𝒳\U0010fffd",
    "formula": '=HYPERLINK("x");@SUM(1)|cmd',
    "address": "javascript:alert(1) https://example.org/?a=1&b=2",
}  # fmt: skip

# Valid HTML.
BODIES = {
    "nested": "<div>" * 300 + "deep" + "</div>" * 300,
    "megabyte": "<p>" + "Long &amp; longer. 字 👩‍💻 " * 36_000 + "</p>",
    "many-elements": "<p>a<br>b</p>" * 2_000,
    "one-line-of-cdata-ends": "<p>]]&gt; ]]&gt; &lt;![CDATA[</p>",
    "references": "<p>&nbsp;&copy;&#8212;&#x1F469;&zwj;&NotEqualTilde;</p>",
    "right-to-left": '<p dir="rtl" lang="ar">\u2067نص\u2069 &lrm;abc&rlm;</p>',
    "separators": "<p>a\u2028b\u2029c</p><pre>  a\r\n\tb\r</pre>",
    "addresses": '<p><a href="https://example.org/?a=1&amp;b=2#c">x</a> '
    '<img src="https://example.org/a.png" alt="&lt;&quot;&gt;"></p>',
    "text-only": "no markup at all",
    "empty": "",
}

# Invalid HTML. It is written unchanged: the caller must sanitise it.
ROUGH_BODIES = {
    "unbalanced": "<div><p><b><i>a</b></i></div></div></p><td>",
    "unbalanced-nested": "<div>" * 300,
    "end-tags": "</content></entry></feed></item></channel></rss>",
    "open-tag": '<a href="',
    "open-comment": "<!-- never closed",
    "cdata": "<![CDATA[ ]]> ]]>",
    "entity-bomb": '<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;">]><p>&c;</p>',
    "controls": "<p>\x00\x0b\ud800\ufffe\x80</p>",
    "not-nfc": "<p>e\u0301</p>\u0338 a>\u0338b",
}
