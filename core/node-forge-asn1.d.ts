/** The ASN.1 part of node-forge alone: the whole library is too large for the accept bundle. */
declare module 'node-forge/lib/asn1.js' {
  import { asn1 } from 'node-forge'
  export default asn1
}
