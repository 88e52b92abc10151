"""Ways to write an address of this machine, or of others that are not on the public net."""

# As hosts of an address. All of them lead to a machine that may not be reached, or are refused.
DISGUISED_HOSTS = """
    127.0.0.1 127.1 127.0.1 127.255.255.254 2130706433 017700000001 0x7f000001 0x7f.1 0x7F.0x0.0x0.0x1
    0177.0.0.1 0177.0.0.01 0 0.0.0.0 00000177.1 127.0.0.1. 10.0.0.8 10.8 167772168 192.168.1.1 192.168.257
    172.16.0.1 100.64.0.1 169.254.169.254 2852039166 0xa9fea9fe 168.63.129.16
    [::1] [0:0:0:0:0:0:0:1] [::] [::127.0.0.1] [::7f00:1] [::ffff:127.0.0.1] [::ffff:7f00:1]
    [::ffff:0:127.0.0.1] [::ffff:10.0.0.8] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1]
    [2002:7f00:1::] [2002:a00:8::1] [2001:0:7f00:1::] [fe80::1] [fe80::1%25lo] [fe80::1%lo] [::1%1]
    [fc00::1] [fd00:ec2::254] [fec0::1] [ff02::1] [v1.fe] localhost LOCALHOST
    127.0.0.1%00.example.org 127.0.0.1%2f@example.org
"""
# With other digits and full stops, which IDNA maps; a soft hyphen, which it removes.
FOREIGN_HOSTS = (
    "１２７.０.０.１",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "127．0．0．1",
    "127.0.0\u00ad.1",
    "⑯⑨。254。⑯⑨。254",
    "[::１]",
)
# Where parsers differ about what the host is.
TRICKS = (
    "http://example.org@127.0.0.1/",
    "http://127.0.0.1@example.org/",
    "http://example.org:80@127.0.0.1/",
    "http://127.0.0.1\\@example.org/",
    "http://example.org\\@127.0.0.1/",
    "http:\\\\127.0.0.1/",
    "http://127.0.0.1\t/",
    "http://127.0.0.1\n.example.org/",
    "http://127.0.0.1 .example.org/",
    " http://127.0.0.1/",
    "\x00http://127.0.0.1/",
    "http:127.0.0.1",
    "http:///127.0.0.1/",
    "http://[127.0.0.1]/",
    "http://127.0.0.1:0/",
    "http://127.0.0.1:80:80/",
    "http://127.0.0.1:８０/",
    "http://@127.0.0.1/",
    "http://:@127.0.0.1/",
    "//127.0.0.1/",
    "file:///etc/hostname",
    "file://127.0.0.1/etc/hostname",
    "gopher://127.0.0.1:6379/_x",
    "ftp://127.0.0.1/",
    "data:,x",
    "dict://127.0.0.1:11211/",
    "jar:http://127.0.0.1!/",
    "http://127.0.0.1" + "/a" * 5000,
    "",
)


def disguised_urls(scheme: str = "http") -> list[str]:
    return [f"{scheme}://{host}/" for host in DISGUISED_HOSTS.split()]
