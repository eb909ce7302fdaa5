// The interests of the data's columns as objects, and look-ups that both sources share.
export const unfold = (report) => {
  const c = report.interests;
  report.interests = c.id.map((id, i) => ({
    i,
    id,
    label: c.label[i],
    x: c.x[i],
    y: c.y[i],
    theme: c.theme[i],
    part: c.part[i],
    people: c.people[i],
    own: c.own[i],
    merged: c.merged[i],
  }));
  report.byId = new Map(report.interests.map((p) => [p.id, p]));
  return report;
};

export const words = (query) => query.toLowerCase().split(/\s+/).filter(Boolean);

export const named = (regions, query, most = 3) => {
  const asked = words(query);
  return regions.filter((r) => asked.every((w) => r.name.toLowerCase().includes(w))).slice(0, most);
};
