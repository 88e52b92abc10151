// The token of an invitation is behind the #, which browsers send to no server: take it from there.
const token = location.hash.slice(1);
if (token) {
  history.replaceState(null, "", location.pathname);
  const form = document.querySelector("form[data-invitation]");
  form.elements.invitation.value = token;
  form.submit();
}
