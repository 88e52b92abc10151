// Counts columns while words are typed, and shows the automatic words of a mail that was made again. Without scripts
// the page shows what is stored.
"use strict";
// Of two columns, as `display_width` counts them; what is drawn over a letter, or not at all, has none.
const WIDE = /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97C\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}|[\u{20000}-\u{3FFFD}]/u;
const columns = (text) => [...text].reduce((sum, one) => sum + (/[\p{Mn}\p{Me}\p{Cf}]/u.test(one) ? 0 : WIDE.test(one) ? 2 : 1), 0);
const before = (field, name) => field.form.elements[`${name}.${field.name}`];

function count(field) {
  const hint = document.getElementById(`${field.id}-hint`);
  const { counted, automatic, most } = hint.dataset;
  const width = columns(field.value);
  const isOwn = field.value !== before(field, "was").value;
  hint.textContent = (isOwn || !field.value ? "" : automatic) + counted.replace("{}", width);
  hint.classList.toggle("over", width > Number(most));
}

const fields = [...document.querySelectorAll("input[data-counts]")];
for (const field of fields) field.addEventListener("input", () => count(field));

// A move has the mail made again, and its subject may follow its first story. What was typed stays.
const page = document.querySelector(".issue");
if (page && fields.length) {
  new MutationObserver(() => {
    for (const now of document.querySelectorAll("#mail data[data-of]")) {
      const field = document.getElementById(now.dataset.of);
      if (!field || field.value !== before(field, "was").value) continue;
      field.value = before(field, "was").value = now.value;
      before(field, "seen").value = now.dataset.seen;
      document.getElementById(`${field.id}-hint`).dataset.automatic = now.dataset.automatic;
      count(field);
    }
  }).observe(page, { childList: true });
}
