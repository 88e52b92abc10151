// Solve the challenge of the form to subscribe (ALTCHA, PBKDF2) before it is sent.
"use strict";

const form = document.querySelector("form[data-challenge]");

function bytes(hex) {
  return Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
}

function hex(buffer) {
  return Array.from(new Uint8Array(buffer), (one) => one.toString(16).padStart(2, "0")).join("");
}

async function derive(password, salt, parameters) {
  const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt, iterations: parameters.cost };
  return hex(await crypto.subtle.deriveBits(how, key, parameters.keyLength * 8));
}

async function solve(parameters) {
  const nonce = bytes(parameters.nonce);
  const salt = bytes(parameters.salt);
  const password = new Uint8Array(nonce.length + 4);
  password.set(nonce);
  for (let counter = 0; ; counter += 1) {
    new DataView(password.buffer).setUint32(nonce.length, counter);
    const derivedKey = await derive(password, salt, parameters);
    if (derivedKey.startsWith(parameters.keyPrefix)) {
      return { counter, derivedKey };
    }
  }
}

let isWorking = false;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (isWorking) {
    return;
  }
  isWorking = true;
  document.getElementById("working").textContent = form.dataset.working;
  const challenge = JSON.parse(form.dataset.challenge);
  const solution = await solve(challenge.parameters);
  form.elements.proof.value = btoa(JSON.stringify({ challenge, solution }));
  form.submit();
});
