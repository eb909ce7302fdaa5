"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const interests = JSON.parse(byId("interests").textContent);
  const known = new Map(interests.map((one) => [String(one.id), one]));
  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const words = (query) => fold(query).split(/\s+/).filter(Boolean);
  const clip = (text) => (text.length > 60 ? `${text.slice(0, 59)}…` : text);
  const holds = (text, query) => query.every((word) => text.includes(word));

  const search = byId("find");
  const points = [...document.querySelectorAll("#points circle")];
  if (points.length) map();
  clouds();
  users();

  function map() {
    const rows = [...document.querySelectorAll("#list tbody tr")];
    const names = [...document.querySelectorAll("#names text")];
    const buttons = [...document.querySelectorAll("button.theme")];
    const texts = new Map(interests.map((one) =>
      [String(one.id), fold([one.label, one.description, ...one.evidence].join(" "))]));
    let theme = null;
    let active = points[0];

    for (const point of points) {
      const one = known.get(point.dataset.id);
      point.setAttribute("role", "img");
      point.setAttribute("tabindex", "-1");
      point.setAttribute("aria-label", `${one.label}, ${one.users} users`);
      point.addEventListener("pointerenter", () => show(point));
      point.addEventListener("pointerleave", () => hide(point));
      point.addEventListener("focus", () => { move(point); show(point); });
      point.addEventListener("blur", () => hide(point));
      point.addEventListener("click", () => point.focus());
      point.addEventListener("keydown", step);
    }
    active.setAttribute("tabindex", "0");
    search.addEventListener("input", filter);
    for (const button of buttons) {
      button.addEventListener("click", () => {
        theme = theme === button.dataset.theme ? null : button.dataset.theme;
        for (const other of buttons) {
          other.setAttribute("aria-pressed", String(other.dataset.theme === theme));
        }
        filter();
      });
    }

    function filter() {
      const query = words(search.value);
      const fits = (id) => holds(texts.get(id), query)
        && (theme === null || String(known.get(id).theme) === theme);
      let found = 0;
      for (const row of rows) {
        row.hidden = !fits(row.dataset.id);
        found += !row.hidden;
      }
      for (const point of points) point.classList.toggle("off", !fits(point.dataset.id));
      names.forEach((name, number) =>
        name.classList.toggle("off", theme !== null && String(number) !== theme));
      const whole = query.length === 0 && theme === null;
      byId("found").textContent = whole ? "" : `${found} of ${rows.length} interests`;
      if (query.length) byId("all").open = true;
      const first = points.find((point) => !point.classList.contains("off"));
      if (first && active.classList.contains("off")) move(first);
    }

    function move(point) {
      active.setAttribute("tabindex", "-1");
      active = point;
      active.setAttribute("tabindex", "0");
    }

    function step(event) {
      const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      const way = ways[event.key];
      if (event.key === "Escape") hide(active);
      if (!way) return;
      event.preventDefault();
      const next = nearest(event.target, way);
      if (next) next.focus();
    }

    function nearest(from, way) {
      const at = (point, axis) => Number(point.getAttribute(axis));
      let best = null;
      let least = Infinity;
      for (const point of points) {
        if (point === from || point.classList.contains("off")) continue;
        const dx = at(point, "cx") - at(from, "cx");
        const dy = at(point, "cy") - at(from, "cy");
        const ahead = dx * way[0] + dy * way[1];
        const aside = Math.abs(dx * way[1]) + Math.abs(dy * way[0]);
        if (ahead <= 0 || aside > 2 * ahead) continue;
        const cost = ahead + 2 * aside;
        if (cost < least) { least = cost; best = point; }
      }
      return best;
    }

    function show(point) {
      const one = known.get(point.dataset.id);
      const tip = byId("tip");
      const line = (tag, text) => {
        const element = document.createElement(tag);
        element.textContent = text;
        return element;
      };
      const more = one.more ? ` and ${one.more} more` : "";
      tip.replaceChildren(
        line("strong", one.label),
        line("p", one.description),
        line("p", `${one.users} users, from ${one.subject}, interest ${one.id}`),
        line("p", `Shown by ${one.evidence.map(clip).join("; ")}${more}`),
      );
      tip.hidden = false;
      for (const other of points) other.classList.toggle("on", other === point);
      const frame = byId("chart").getBoundingClientRect();
      const place = point.getBoundingClientRect();
      const left = place.left - frame.left + place.width / 2 - tip.offsetWidth / 2;
      const below = place.bottom - frame.top + 8;
      const above = place.top - frame.top - tip.offsetHeight - 8;
      tip.style.left = `${Math.max(4, Math.min(left, frame.width - tip.offsetWidth - 4))}px`;
      tip.style.top = `${place.bottom + tip.offsetHeight + 16 > window.innerHeight && place.top > tip.offsetHeight ? above : below}px`;
    }

    function hide(point) {
      point.classList.remove("on");
      if (document.activeElement !== point) byId("tip").hidden = true;
    }
  }

  function clouds() {
    const choice = byId("who");
    if (!choice) return;
    const panels = [...document.querySelectorAll("[data-cloud]")];
    const pick = () => panels.forEach((p) => { p.hidden = p.dataset.cloud !== choice.value; });
    choice.addEventListener("change", pick);
    pick();
  }

  function users() {
    const box = byId("filter");
    const cards = [...document.querySelectorAll("#users .user")];
    const texts = cards.map((card) => fold(card.textContent));
    box.addEventListener("input", () => {
      const query = words(box.value);
      let kept = 0;
      cards.forEach((card, number) => {
        card.hidden = !holds(texts[number], query);
        kept += !card.hidden;
      });
      byId("kept").textContent = query.length ? `${kept} of ${cards.length} users` : "";
    });
  }
})();
