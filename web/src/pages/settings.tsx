import { PageHead } from "../ui/controls";

export function Settings() {
  return <PageHead title="Settings" />;
}
