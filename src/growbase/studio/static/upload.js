// Files sent one after the other, with their progress; without this the form sends one.
export function mount(form) {
  const list = form.querySelector("[data-uploads]");
  const field = form.elements.file;
  field.multiple = true;
  form.querySelector("[data-drop-hint]").hidden = false;

  form.addEventListener("submit", (event) => {
    if (!field.files.length) return;
    event.preventDefault();
    sendAll([...field.files]);
    field.value = "";
  });
  for (const name of ["dragover", "dragenter"]) {
    form.addEventListener(name, (event) => { event.preventDefault(); form.classList.add("is-over"); });
  }
  form.addEventListener("dragleave", (event) => { if (!form.contains(event.relatedTarget)) form.classList.remove("is-over"); });
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("is-over");
    sendAll([...event.dataTransfer.files], "drag_drop");
  });

  async function sendAll(files, source = "web_upload") {
    const lines = files.map((file) => line(file.name));
    for (const [place, file] of files.entries()) await send(file, source, lines[place]);
    const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
    const found = page.querySelector("#files");
    if (found) document.querySelector("#files").replaceWith(found);
    window.htmx?.process(document.querySelector("#files"));
  }
  function line(name) {
    const item = document.createElement("li");
    const said = document.createElement("span");
    const bar = document.createElement("progress");
    item.append(Object.assign(document.createElement("span"), { textContent: name }), said, bar);
    bar.max = 1;
    bar.value = 0;
    bar.ariaLabel = name;
    list.append(item);
    return { said, bar };
  }
  function send(file, source, { said, bar }) {
    const body = new FormData();
    body.append("upload_source", source);
    body.append("file", file);
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open("POST", "/api/assets");
      request.setRequestHeader("X-CSRF-Token", form.elements.csrf.value);
      request.setRequestHeader("Accept-Language", document.documentElement.lang);
      request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) bar.value = event.loaded / event.total; });
      request.addEventListener("loadend", () => {
        let answer = {};
        try { answer = JSON.parse(request.responseText); } catch { /* no answer, or none of ours */ }
        bar.remove();
        const wrong = (answer.errors ?? []).map((one) => one.message).join(" ");
        said.className = request.status === 201 ? "" : "error";
        said.textContent = request.status === 201
          ? [form.dataset.done, answer.duplicates?.length ? form.dataset.duplicate : ""].join(" ")
          : [answer.detail ?? answer.title ?? form.dataset.failed, wrong].join(" ");
        resolve();
      });
      request.send(body);
    });
  }
}
