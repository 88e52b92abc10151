// Makes a field for Markdown an editor with buttons. Without scripts it stays a plain field, which has the text all the time.
"use strict";
for (const field of document.querySelectorAll("textarea[data-editor]")) {
  const words = field.dataset;
  const button = (name, action, text) => ({ name, action, text, title: words[name], className: `tool-${name}` });
  const editor = new EasyMDE({
    element: field,
    autoDownloadFontAwesome: false,
    spellChecker: false,
    nativeSpellcheck: true,
    inputStyle: "contenteditable",
    forceSync: true,
    status: false,
    direction: words.editor,
    minHeight: "28rem",
    toolbar: [
      button("bold", EasyMDE.toggleBold, "B"),
      button("italic", EasyMDE.toggleItalic, "I"),
      button("heading", EasyMDE.toggleHeadingSmaller, "H"),
      button("quote", EasyMDE.toggleBlockquote, "“ ”"),
      button("list", EasyMDE.toggleUnorderedList, "•"),
      button("numbers", EasyMDE.toggleOrderedList, "1."),
      button("link", EasyMDE.drawLink, "↗"),
      button("undo", EasyMDE.undo, "↶"),
      button("redo", EasyMDE.redo, "↷"),
    ],
  });
  const code = editor.codemirror;
  // The key Tab leads on, as in any field.
  code.setOption("extraKeys", { ...code.getOption("extraKeys"), Tab: false, "Shift-Tab": false });
  const input = code.getInputField();
  input.lang = field.lang;
  input.setAttribute("role", "textbox");
  input.setAttribute("aria-multiline", "true");
  input.setAttribute("aria-label", field.labels[0].textContent);
  for (const one of editor.toolbar_div.querySelectorAll("button")) one.tabIndex = 0;
  field.labels[0].addEventListener("click", () => code.focus());
  // CodeMirror reads what was typed from the page 80 ms later: a form that is sent before that has it, too.
  field.form.addEventListener("submit", () => code.display.input.updateFromDOM(), true);
}
