// Passkeys: a form with data-passkey asks our server what to make or sign, lets the browser do it, and posts the answer as an ordinary form.
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=+$/, "");
  const keys = (list) => (list || []).map((key) => ({ ...key, id: bytes(key.id) }));

  async function ask(form) {
    const token = form.querySelector("[name=csrf_token]").value;
    const answer = await fetch(form.dataset.options, { method: "POST", headers: { "X-CSRFToken": token }, redirect: "error" });
    if (!answer.ok) throw new Error((await answer.text()).slice(0, 200));
    return answer.json();
  }

  async function create(options) {
    options.challenge = bytes(options.challenge);
    options.user.id = bytes(options.user.id);
    options.excludeCredentials = keys(options.excludeCredentials);
    const made = await navigator.credentials.create({ publicKey: options });
    const { attestationObject, clientDataJSON } = made.response;
    const response = { attestationObject: text(attestationObject), clientDataJSON: text(clientDataJSON), transports: made.response.getTransports?.() || [] };
    return { id: made.id, rawId: text(made.rawId), type: made.type, response, clientExtensionResults: made.getClientExtensionResults() };
  }

  async function get(options) {
    options.challenge = bytes(options.challenge);
    options.allowCredentials = keys(options.allowCredentials);
    const found = await navigator.credentials.get({ publicKey: options });
    const { authenticatorData, clientDataJSON, signature, userHandle } = found.response;
    const response = { authenticatorData: text(authenticatorData), clientDataJSON: text(clientDataJSON), signature: text(signature) };
    if (userHandle) response.userHandle = text(userHandle);
    return { id: found.id, rawId: text(found.rawId), type: found.type, response, clientExtensionResults: found.getClientExtensionResults() };
  }

  function explain(error) {
    if (!isSecureContext || !window.PublicKeyCredential) return "This browser knows no passkeys here: they need https, or localhost.";
    if (error.name === "NotAllowedError") return "It was cancelled, or took too long. Try again, or use another way.";
    if (error.name === "InvalidStateError") return "This device holds a passkey of your account already.";
    if (error.name === "SecurityError") return "Passkeys belong to a host name, and this page was opened by another one.";
    return error.message;
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.dataset.passkey) return;
    event.preventDefault();
    const line = form.querySelector("[data-passkey-error]");
    line.hidden = true;
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    try {
      const options = await ask(form);
      form.querySelector("[name=credential]").value = JSON.stringify(await (form.dataset.passkey === "create" ? create(options) : get(options)));
      form.submit();
    } catch (error) {
      line.textContent = explain(error);
      line.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
})();
