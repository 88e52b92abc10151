// The search of one language's articles. It runs in the browser: the index is loaded in parts when somebody types
// first, and what is typed is sent nowhere.
"use strict";
{
  const MOST = 100;
  // In these scripts words have no spaces between them, or articles and prepositions in front of them.
  const INSIDE = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}\p{sc=Arab}\p{sc=Hebr}]/u;
  // Accents, vowel points and the like.
  const MARKS = /[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]/g;
  const LETTERS = {ß: "ss", ł: "l", ø: "o", đ: "d", æ: "ae", œ: "oe", ı: "i", ى: "ي", ة: "ه"};
  // Of a title, of names and topics, of a summary, of a text.
  const WEIGHTS = [8, 4, 2, 1];

  const form = document.querySelector("form[data-parts]");
  const field = form.elements.q;
  const answer = document.getElementById("answer");
  const results = document.getElementById("results");
  const language = document.documentElement.lang;

  const fold = (text) => ` ${text} `.normalize("NFKD").replace(MARKS, "").toLowerCase()
    .replace(/[ßłøđæœıىة]/g, (letter) => LETTERS[letter]).replace(/[^\p{L}\p{M}\p{N}]+/gu, " ");

  const wordsOf = (text) => {
    const parts = Intl.Segmenter
      ? [...new Intl.Segmenter(language, {granularity: "word"}).segment(text)].map((part) => part.segment)
      : text.split(/\s+/);
    return parts.map((part) => fold(part).trim()).filter(Boolean);
  };

  const has = (text, word) => text.includes(INSIDE.test(word) ? word : ` ${word}`);

  // 0 if a word is nowhere.
  const score = (one, words) => {
    const places = words.map((word) => one.texts.findIndex((text) => has(text, word)));
    return places.includes(-1) ? 0 : places.reduce((sum, place) => sum + WEIGHTS[place], 0);
  };

  let loading;
  const load = () => {
    loading ??= Promise.all(Array.from({length: Number(form.dataset.parts)}, async (_, number) => {
      const reply = await fetch(`${number}.json`);
      if (!reply.ok) throw new Error(`${reply.url}: ${reply.status}`);
      return reply.json();
    })).then(([newest = [], ...closed]) => [newest, ...closed.reverse()].flat().map(
      ([url, title, day, names, topics, summary, text]) => ({
        url, title, day, names, summary, texts: [title, `${names} ${topics}`, summary, text].map(fold),
      })));
    loading.catch(() => { loading = undefined; });
    return loading;
  };

  const element = (name, text) => {
    const made = document.createElement(name);
    made.textContent = text;
    return made;
  };

  const line = (one) => {
    const item = element("li", "");
    const link = element("a", one.title);
    link.href = one.url;
    item.append(link, " ", element("span", one.names), " ", element("time", one.day), element("p", one.summary));
    return item;
  };

  const sentence = (count, text) => {
    if (!count) return form.dataset.nothing.replace("{}", () => text);
    const category = new Intl.PluralRules(language).select(count);
    const pattern = form.dataset[category] ?? form.dataset.other ?? form.dataset.many;
    return pattern.replace("{}", String(count).replace(/\d/g, (digit) => form.dataset.digits[digit]));
  };

  const show = async () => {
    const text = field.value.trim();
    const words = wordsOf(text);
    history.replaceState(null, "", text ? `?q=${encodeURIComponent(text)}` : location.pathname);
    try {
      const all = words.length ? await load() : [];
      if (field.value.trim() !== text) return;
      const matches = all.map((one) => [score(one, words), one]).filter(([points]) => points);
      matches.sort(([a], [b]) => b - a);
      results.replaceChildren(...matches.slice(0, MOST).map(([, one]) => line(one)));
      answer.textContent = words.length ? sentence(matches.length, text) : "";
    } catch (error) {
      answer.textContent = String(error);
    }
  };

  let timer;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, 200);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show();
  });
  form.hidden = false;
  answer.textContent = "";
  field.value = new URLSearchParams(location.search).get("q") ?? "";
  if (field.value) show();
}
