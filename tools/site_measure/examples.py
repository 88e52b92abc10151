"""Small fictitious sites, one per generator, with what its documentation allows.

Every document has two languages where the generator has a way to say so; links go by all forms.
"""

from pathlib import Path

from PIL import Image

_JEKYLL = {
    "_config.yml": """title: Harbour Notes
url: https://harbour.example.org
baseurl: /notes
source: src
permalink: pretty
lang: en
plugins: [jekyll-redirect-from, jemoji]
collections:
  letters: {output: true, permalink: "/letters/:name/"}
defaults:
  - scope: {path: "", type: posts}
    values: {layout: post, author: mira}
  - scope: {path: "_posts/fr"}
    values: {lang: fr}
""",
    "src/_data/authors.yml": """mira: {name: Mira Example, affiliation: Harbour Institute}
tom: {name: Tom Sample}
""",
    "src/_data/tides.json": '{"high": "06:12"}\n',
    "src/_includes/note.html": '<div class="note">{{ include.text | markdownify }}</div>\n',
    "src/about.md": "---\ntitle: About\n---\nNo article.\n",
    "src/_posts/en/2026-01-09-spring-tides.md": """---
title: 'Spring & neap: the *tides* of "January"'
date: 2026-01-09 08:30:00 +0100
tags: sea moon
ref: spring-tides
redirect_from: [/old/spring.html, /2025/tides/]
image: /assets/pier.png
---
* TOC
{:toc}

The highest water of {{ page.date | date: "%-d %B %Y" }} comes at {{ site.data.tides.high }}.{: .lead}
See [the neap tides]({% post_url en/2026-01-12-neap-tides %}#low) and
[their letter]({{ site.baseurl }}{% link _letters/first.md %}), or [this][neap] and [neap].

## The moon {#moon}

{% include note.html text="It **pulls** the water." %}

![A pier at low water](/assets/pier.png){: width="300"}

{% highlight python %}
{% raw %}print("{{ not a value }}")  # ** no stars **{% endraw %}
{% endhighlight %}

{% raw %}`{{ raw }}` stays.{% endraw %}

Water
: What the moon pulls.

| Day | Height |
|-----|-------:|
| 9   | 4.2 m  |
{: .table}

HTML abbreviations work.[^1] So do smileys :ship: and "quotes" -- they do.

*[HTML]: HyperText Markup Language
[^1]: A footnote with a [link](https://example.org/foot).
[neap]: {{ site.baseurl }}/2026/01/12/neap-tides/

<div markdown="1">
**Bold** inside a block, with [a reference][neap].
</div>
{% comment %} nobody sees this {% endcomment %}
<iframe src="https://www.youtube.com/embed/abcdEFGH123" title="A film"></iframe>
""",
    "src/_posts/fr/2026-01-09-grandes-marees.md": """---
title: Les grandes marées de janvier
date: 2026-01-09 08:30:00 +0100
categories: []
tags: [mer, lune]
ref: spring-tides
authors: [mira, tom]
---
La mer monte très haut le neuf janvier de cette année. Voir [les mortes-eaux]({{ "/2026/01/12/mortes-eaux/" | relative_url }}).
""",
    "src/_posts/en/2026-01-12-neap-tides.md": """---
title: Neap tides
ref: neap
author: tom
---
Then the water hardly moves, and the boats lie still in the harbour.

## Low

Back to [the spring tides](/notes/2026/01/09/spring-tides/#moon). The [heights]({{ site.baseurl }}/assets/heights.csv),
[as a file](/notes/assets/heights.csv), [about us](/notes/about/), [nothing](/notes/nothing/), [lost](lost.pdf).
""",
    "src/_posts/fr/2026-01-12-mortes-eaux.md": """---
title: Les mortes-eaux
ref: neap
---
Alors l'eau bouge à peine, et les bateaux dorment dans le port.
""",
    "src/_posts/en/2026-02-01-hidden.md": "---\ntitle: Hidden\npublished: false\n---\nNo.\n",
    "src/_drafts/later.md": "---\ntitle: Later\n---\nNo.\n",
    "src/_letters/first.md": """---
title: The first letter
date: 2026-01-02
---
Dear reader, the harbour is quiet, and the boats are home again.
""",
}

_HUGO = {
    "hugo.yaml": """baseURL: https://kites.example.org/
title: Kites
defaultContentLanguage: en
enableEmoji: true
languages:
  en: {languageName: English, weight: 1}
  pt-br: {languageName: Português, weight: 2}
taxonomies: {tag: tags, category: categories}
""",
    "data/authors.yaml": "lin: {name: Lin Sample}\n",
    "content/posts/_index.md": "---\ntitle: All posts\n---\nA list.\n",
    "content/posts/first-kite/index.md": """+++
title = "The first kite :kite:"
date = 2026-01-03T10:00:00Z
tags = ["paper", "wind"]
authors = ["lin"]
aliases = ["/old/first-kite/", "/first.html"]
draft = false
+++
A kite is paper, wood and a long string in a steady wind.<!--more-->

{{< figure src="kite.png" alt="A red kite" caption="A red kite above the sea" >}}

Read [the second one]({{< relref "second-kite.md" >}}), [its part]({{< ref "posts/second-kite#knots" >}}),
[by path](/posts/second-kite/) and [by file](../second-kite.md).

{{< youtube id="wxyz9876ABC" title="A film of a kite" >}}

{{< highlight go "linenos=table" >}}
fmt.Println("{{ .Title }}")
{{< /highlight >}}

{{% details "More about the wind" %}}
The wind is **strong** in winter.
{{% /details %}}

Show shortcodes with {{</* figure src="x.png" */>}} or `{{< ref "x" >}}`.

> [!WARNING] Mind the wires
> Never fly a kite near power lines, not even a small one.

```go {linenos=inline hl_lines=[1]}
wind := "{{< not a shortcode >}}"
```

- [x] string
- [ ] tail
""",
    "content/posts/first-kite/index.pt-br.md": """---
title: A primeira pipa
date: 2026-01-03T10:00:00Z
tags: [papel]
---
Uma pipa é papel, madeira e um fio comprido num vento constante. ![Uma pipa](kite.png)

Leia [a segunda]({{< relref "second-kite.md" >}}).
""",
    "content/posts/second-kite.md": """---
title: "The second kite: higher"
publishDate: 2026-01-10
author: "Ana Sample and Bo Example, Wind Club"
categories: [craft]
translationKey: kite-two
---
## Knots and bows {#knots}

The second kite flew higher than the first one. [Back](first-kite/index.md), [up](../first-kite/).

{{< gist ana 1234567890 >}}

Term
: Its definition stands below it.

The [plan](/plans/kite.zip), [about](/about/), [a lost one](/plans/lost.zip), [no post](no-kite.md).

Visit https://example.org/wind for more about the wind.
{.remark}
""",
    "content/posts/segunda-pipa.pt-br.md": """---
title: A segunda pipa
date: 2026-01-10
translationKey: kite-two
---
A segunda pipa voou mais alto do que a primeira, sem cair.
""",
    "content/posts/json-kite.md": """{
  "title": "A kite of JSON",
  "date": "2026-01-11T22:30:00-05:00",
  "tags": ["paper"],
  "slug": "paper-kite"
}

Its front matter is an object, and the day depends on where you stand.
""",
    "content/posts/gone.md": "---\ntitle: Gone\ndate: 2026-01-01\nexpiryDate: 2026-01-02\n---\nNo.\n",
    "content/about.md": "---\ntitle: About\n---\nNo article.\n",
}

_DOCUSAURUS = {
    "docusaurus.config.ts": """import type {Config} from '@docusaurus/types';
const config: Config = {
  title: 'Garden', url: 'https://garden.example.org', baseUrl: '/',
  i18n: {defaultLocale: 'en', locales: ['en', 'de']},
  presets: [['classic', {docs: false, blog: {showReadingTime: true}}]],
};
export default config;
""",
    "blog/authors.yml": """rosa: {name: Rosa Sample, title: Gardener, url: https://example.org/rosa}
kim: {name: Kim Example}
""",
    "blog/tags.yml": "roses: {label: 'Roses', permalink: /roses}\nsoil: {label: 'Good soil'}\n",
    "docs/intro.md": "# Documentation\n\nNo article.\n",
    "blog/2026-01-05-roses/index.mdx": """---
title: Roses in {winter}
authors: [rosa, {name: Guest Writer, title: Botanist}]
tags: [roses, soil]
slug: winter-roses
image: ./rose.png
---
import Tabs from '@theme/Tabs';
import TabItem from '@theme/TabItem';
import Rose from './rose.png';

export const Highlight = ({children, color}) => (
  <span style={{backgroundColor: color}}>
    {children}
  </span>
);

Roses sleep in winter, and gardeners wait for them.

{/* truncate */}

:::tip[Cover them]

Use straw. :::not a fence

:::danger
Frost *kills* young plants.
:::

:::

<Tabs>
  <TabItem value="a" label="Soil">

Good soil is dark and smells of rain, see [compost](../2026-01-20-compost.md#how).

  </TabItem>
  <TabItem value="b" label="Water">Water them rarely in winter, never at noon.</TabItem>
</Tabs>

<Highlight color="#25c2a0">Unknown components keep their words here.</Highlight>

<img src={Rose} alt="A rose" /> and ![A second rose](./rose.png)

The same [compost](/blog/2026/01/20/compost), [by address](https://garden.example.org/blog/2026/01/20/compost).

```jsx title="rose.js" {1}
export const rose = <Rose>{"{{ red }}"}</Rose>;
```

<details>
<summary>More about roses</summary>

They have **thorns**, and there are {2} kinds of those.

</details>

## Pruning {#pruning}

| Month | What |
| --- | --- |
| March | cut |
""",
    "blog/2026-01-20-compost.md": """---
authors: kim
tags: [soil]
last_update: {date: 2026-02-01}
---
# Compost, and how

<!-- truncate -->

Compost is made of leaves, time and worms that work at night.

## How {#how}

1. Read about [roses](./2026-01-05-roses/index.mdx#pruning).
2. Take the [list](/files/list.csv) or [its notes](./notes.zip), not [a lost one](./lost.zip) of [docs](/docs/intro).
3. Wait, and read [it again](/blog/winter-roses).

<video src="https://media.example.org/compost.mp4" controls></video>
""",
    "blog/2026/02/03/hidden/index.md": "---\ntitle: Hidden\nunlisted: true\n---\nNo.\n",
    "i18n/de/docusaurus-plugin-content-blog/2026-01-05-roses/index.mdx": """---
title: Rosen im Winter
authors: [rosa]
slug: winter-roses
---
Rosen schlafen im Winter, und die Gärtner warten geduldig auf sie.

Siehe [Kompost](../2026-01-20-compost.md).
""",
    "i18n/de/docusaurus-plugin-content-blog/2026-01-20-compost.md": """---
title: Kompost
authors: kim
---
Kompost besteht aus Laub, Zeit und Würmern, die nachts arbeiten.
""",
}

_ELEVENTY = {
    "eleventy.config.js": """export default function (eleventyConfig) {
  eleventyConfig.addPassthroughCopy("public");
  return {dir: {input: "content", output: "_site", data: "../_data"}};
}
""",
    "_data/metadata.json": '{"title": "Bees", "url": "https://bees.example.org/", "year": 2026}\n',
    "_data/authors.json": '{"ivy": {"name": "Ivy Sample"}}\n',
    "content/blog/blog.json": '{"tags": "posts", "layout": "post.njk", "author": "ivy"}\n',
    "content/en/en.json": '{"lang": "en"}\n',
    "content/es/es.json": '{"lang": "es"}\n',
    "content/index.njk": "<h1>Home</h1>\n",
    "content/about.md": "---\ntitle: About\n---\nNo article.\n",
    "content/blog/2026-01-08-first-hive.md": """---
title: The first hive
tags: [bees, honey]
---
A hive of {{ metadata.title }} in {{ metadata.year }} holds many thousand bees and one queen.

Read [the second](/blog/second-hive/), [by file](second-hive.md) and [from here](../second-hive/#wax).

{% for bee in (1..2) %}Bee {{ bee }}. {% endfor %}

::: note
A note of a container, with **bold** words in it.
:::

```njk
{{ content | safe }}
```

![A hive](/hive.png "The hive")
""",
    "content/blog/second-hive.md": """---
title: "The second hive"
date: 2026-01-15
permalink: "/blog/second-hive/index.html"
tags: posts
---
## Wax {#wax}

A [table](/files/wax.csv), [the way](/about/), [no way](/no-way/). Wax is made by young bees, and eaten by moths. [Back]({{ "/blog/first-hive/" | url }}), [again](./2026-01-08-first-hive.md),
[by its file]({{ "./content/blog/2026-01-08-first-hive.md" | inputPathToUrl }}).
""",
    "content/blog/draft.md": "---\ntitle: Draft\ndate: 2026-01-15\ndraft: true\n---\nNo.\n",
    "content/en/news/swarm.md": """---
title: A swarm
date: 2026-01-18T10:00:00Z
---
A swarm left the hive at noon, and settled in the old pear tree.
""",
    "content/es/news/swarm.md": """---
title: Un enjambre
date: 2026-01-18T10:00:00Z
---
Un enjambre salió de la colmena al mediodía y se posó en el peral. [Inglés](/en/news/swarm/).
""",
}

_VITEPRESS = {
    "docs/.vitepress/config.mts": """import { defineConfig } from 'vitepress'
export default defineConfig({
  title: 'Lamps', lang: 'en-GB', cleanUrls: true,
  sitemap: { hostname: 'https://lamps.example.org' },
  locales: { root: { label: 'English', lang: 'en' }, zh: { label: '中文', lang: 'zh-CN' } },
})
""",
    "docs/index.md": "---\nlayout: home\n---\n",
    "docs/guide/what.md": "# A guide\n\nNo article.\n",
    "docs/blog/index.md": "---\ntitle: Posts\n---\nA list.\n",
    "docs/blog/first-lamp.md": """---
title: First lamp
date: 2026-01-06
author: Noor Sample
tags: [light]
bulb: LED
---
<script setup>
import { ref } from 'vue'
const count = ref(0)
</script>

# {{ $frontmatter.title }}

The lamp has a {{ $frontmatter.bulb }} bulb, which lasts for many years. See [two](./second-lamp.md#wiring),
[two again](/blog/second-lamp), [and again](second-lamp).

[[toc]]

::: warning Hot
The glass gets **hot** after an hour of light.
:::

::: details Click me
Hidden words that readers should still find here.
:::

::: code-group
```sh [npm]
npm add lamp
```
```sh [pnpm]
pnpm add lamp
```
:::

<Badge type="tip" text="new" /> ![A lamp](/lamp.png)

> [!TIP]
> Switch it off at night, and it lasts longer than you do.

<style scoped>
.lamp { color: red }
</style>

```vue{1}
<p>{{ not }}</p>
```

Literal <span v-pre>{{ braces }}</span> stay. :bulb:
""",
    "docs/blog/second-lamp.md": """---
title: Second lamp
date: 2026-01-16
---
## Wiring it {#wiring}

Take [the plan](/plan.zip), not [a lost one](/lost.zip), and [the guide](/guide/what). The second lamp needs three wires, and somebody who knows them. [One](./first-lamp.html), [one](/blog/first-lamp.md).
""",
    "docs/zh/blog/first-lamp.md": """---
title: 第一盏灯
date: 2026-01-06
---
这盏灯有一个可以用很多年的灯泡,晚上请把它关掉,这样它会比你活得更久。[第二盏](./second-lamp.md)。
""",
    "docs/zh/blog/second-lamp.md": """---
title: 第二盏灯
date: 2026-01-16
---
第二盏灯需要三根电线,还需要一个认识这三根电线的人来帮忙安装它,**注意安全**。
""",
}

EXAMPLE_SITES = {
    "jekyll": _JEKYLL,
    "hugo": _HUGO,
    "docusaurus": _DOCUSAURUS,
    "eleventy": _ELEVENTY,
    "vitepress": _VITEPRESS,
}
_PICTURES = {
    "jekyll": "src/assets/pier.png",
    "hugo": "content/posts/first-kite/kite.png",
    "docusaurus": "blog/2026-01-05-roses/rose.png",
    "eleventy": "public/hive.png",
    "vitepress": "docs/public/lamp.png",
}

# Files that posts link to.
_FILES = {
    "jekyll": {"src/assets/heights.csv": b"day,height\n9,4.2\n"},
    "hugo": {"static/plans/kite.zip": b"PK a plan"},
    "docusaurus": {"static/files/list.csv": b"rose\n", "blog/notes.zip": b"PK notes"},
    "eleventy": {"public/files/wax.csv": b"wax\n"},
    "vitepress": {"docs/public/plan.zip": b"PK a plan"},
}


def build_example(generator: str, folder: Path) -> Path:
    """Write the site of a generator into a folder, and return it."""
    for name, text in EXAMPLE_SITES[generator].items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
    picture = folder / _PICTURES[generator]
    picture.parent.mkdir(parents=True, exist_ok=True)
    for name, content in _FILES[generator].items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    Image.new("RGB", (320, 240), "#264653").save(picture)
    return folder
