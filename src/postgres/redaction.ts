/**
 * A text without secrets: the passwords in its URLs are replaced, and so is this password, plain or
 * encoded for a URL.
 */
export function redacted(text: string, password?: string): string {
  const forms = password ? [password, encodeURIComponent(password), encodeURI(password)] : [];
  const plain = forms.reduce((rest, form) => rest.replaceAll(form, "(password)"), text);
  return (
    plain
      .replaceAll(/(\w:\/\/[^\s:/@]*):\S*@/g, "$1:(password)@")
      // A token can be in the position of the user name.
      .replaceAll(/(https?:\/\/)[^\s/@]+@/g, "$1(password)@")
      .replaceAll(/([?&]password=)[^\s&]+/g, "$1(password)")
  );
}
