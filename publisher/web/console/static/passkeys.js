// Forms with a passkey: ask the server what to ask the browser for, and send its answer with the form.
for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) continue;
  const isElsewhere = location.origin !== form.dataset.origin;
  form.previousElementSibling.hidden = !isElsewhere;
  form.hidden = isElsewhere;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const failed = form.querySelector(".error");
    failed.hidden = true;
    try {
      const asked = await fetch(form.dataset.options, { method: "POST" });
      if (!asked.ok) throw new Error(asked.status);
      const options = await asked.json();
      const credential = form.dataset.passkey === "create"
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      form.elements.answer.value = JSON.stringify(credential.toJSON());
      form.submit();
    } catch {
      failed.hidden = false;
    }
  });
}
